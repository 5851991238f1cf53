package detectors

import "github.com/readtrail/readtrail/detectors/facts"

// ErrSnapshot is wrapped by every refusal of a snapshot.
var ErrSnapshot = facts.ErrSnapshot
