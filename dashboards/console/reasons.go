package console

import (
	"strconv"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// reasonNames are what a list can be narrowed to: any, then each verdict by its number, then those that are not judged yet.
var reasonNames = []string{"any, or none", "a known one", "none found", "not assessable", "not judged yet"}

func reasonChoices(chosen int32) []choice {
	out := make([]choice, len(reasonNames))
	for i, name := range reasonNames {
		out[i] = choice{strconv.Itoa(i), name, int32(i) == chosen}
	}
	return out
}

// formReason is what a form chose of them; 0 is any.
func formReason(v *visit) int32 {
	n, err := strconv.ParseInt(v.r.PostForm.Get("reason"), 10, 32)
	if err != nil || n < 0 || n >= int64(len(reasonNames)) {
		return 0
	}
	return int32(n)
}

// verdictsOf is a choice as the API takes it; nil is any.
func verdictsOf(reason int32) []v1.Verdict {
	switch {
	case reason <= 0 || int(reason) >= len(reasonNames):
		return nil
	case int(reason) == len(reasonNames)-1:
		return []v1.Verdict{v1.Verdict_VERDICT_UNSPECIFIED}
	}
	return []v1.Verdict{v1.Verdict(reason)}
}
