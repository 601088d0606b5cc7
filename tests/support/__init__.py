"""What tests share: stand-ins, small models and trees, runs made up of numbers."""
