"""The parts of compare_quantization.py: the measurement and its report."""
