"""The paper's training recipes (arXiv 2005.06828, sections 5.1 and 5.3) in small parts.

`settings` says what is trained and how, `sources` and `pipeline` feed it, `engine.train` runs it.
The modules that `options` imports need neither Keras nor TensorFlow, so that `--help` is quick.
"""
