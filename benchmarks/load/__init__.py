"""What drives one reasoner process: a model and a toolrunner that answer at once, in numbers."""
