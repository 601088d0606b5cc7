"""The leaderboard's results and every judged answer behind them, as tables."""
