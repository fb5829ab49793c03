"""What the work costs on this machine: each module measures one part and gives tables."""
