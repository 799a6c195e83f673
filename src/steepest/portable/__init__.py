"""What a model is made of once it has left its fit: numbers and names that a file can hold, and what follows from them.

parts.py       what was minimised, how it ended, which rows it saw, how far the optimum may be
terms.py       the model column by column: what each value adds to z (what exports are written from)
predicting.py  rows -> probabilities, labels, guard rails
parity.py      made-up rows with their predictions, by which any copy of the model can be checked
facts.py       what a save learns from the rows: ranges, fingerprint, what can be proved again
recheck.py     objective and certificate at (w, b) from one read of the rows
document.py    all of it as plain data and back
"""
