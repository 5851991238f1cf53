package words

import (
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// GlassVerdict tells what a reviewer said of a broken glass.
func GlassVerdict(v v1.GlassVerdict) string {
	switch v {
	case v1.GlassVerdict_GLASS_VERDICT_JUSTIFIED:
		return "justified"
	case v1.GlassVerdict_GLASS_VERDICT_NOT_JUSTIFIED:
		return "not justified"
	}
	return "waits for a review"
}

// Limits tells what somebody is limited to.
func Limits(l *v1.Limits) string {
	switch {
	case l == nil:
		return "pseudonyms"
	case l.Nothing:
		return "nothing at all: nobody stated what they may see"
	}
	var parts []string
	if len(l.Sites) > 0 {
		parts = append(parts, "sites: "+strings.Join(l.Sites, ", "))
	}
	if len(l.Departments) > 0 {
		parts = append(parts, "departments: "+strings.Join(l.Departments, ", "))
	}
	return strings.Join(parts, "; ")
}
