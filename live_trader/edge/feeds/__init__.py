"""Where bars come from when no outside system posts them: a simulated market, or a tape played again."""
