"""Pages and tables: the leaderboard, organism pages, and what a run prints at its end."""
