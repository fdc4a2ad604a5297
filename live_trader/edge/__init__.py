"""One room per outside thing; each translates at once into the words of core."""
