"""The benchmark a sceptic accepts; `python -m benchmarks.run` from the root. See README.md beside this."""
