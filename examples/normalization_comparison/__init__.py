"""The parts of compare_normalizations.py: what is compared, the training, and the report."""
