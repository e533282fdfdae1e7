"""The parts of `benchmark_training.py`.

The benchmark itself only plans, collects and reports; everything is measured in processes of its
own, which run `worker`. One `on_<backend>` module says what is done differently on each framework.
"""
