"""What a hospital uses, lowest first: access, patients, archive, imaging and routing."""
