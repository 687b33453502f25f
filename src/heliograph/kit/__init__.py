"""Words that everybody uses: errors, ids, time, settings. Imports nothing of Heliograph."""
