"""What the reasoner uses of the outside: the model API, Redis, its own data files."""
