"""Where cells run. The only room that knows where work happens; today: this process."""
