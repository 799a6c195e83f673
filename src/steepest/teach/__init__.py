"""For learning and teaching: one example as a graph that can be looked at, and the seeds' own programs.

    graph   the computation graph of one example, forward and backward, as data; printed, drawn, saved, walked
    seed    the programs of the notes, corrected, in their own orientation, and every slip of theirs as a switch

The fast path of the package never imports this.

>>> from steepest.teach import Slip, graph
>>> graph([1.0, 2.0], 1.0, [0.0, 0.0], 0.0).values["dw2"]
-1.0
>>> Slip.DZ_ADDED.source
'000.11'
"""

from steepest.teach import seed
from steepest.teach.graph import Derivative, Edge, Graph, Node, Step, graph
from steepest.teach.seed import Slip

__all__ = ["Derivative", "Edge", "Graph", "Node", "Slip", "Step", "graph", "seed"]
