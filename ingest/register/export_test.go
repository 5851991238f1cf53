package register

import v1 "github.com/readtrail/readtrail/proto/readtrail/v1"

// CloneSource copies what the fold keeps.
func CloneSource(m *v1.SourceRegistered) *v1.SourceRegistered { return clone(m) }
