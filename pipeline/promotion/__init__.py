"""The stage `promote`: compare the candidate with the champion, register it, serve it."""
