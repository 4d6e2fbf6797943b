"""The verdict on transfer learning: plain results of cells in, clauses with evidence out. Pure arithmetic."""
