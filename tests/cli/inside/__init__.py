"""`watch`, `show` and `doctor` against one running stack whose model says what a test wants."""
