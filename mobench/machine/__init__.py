"""What this machine has: hardware, memory, and what happens when memory runs out."""
