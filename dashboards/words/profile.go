package words

import (
	"strconv"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Measure names a figure of a reader's profile.
func Measure(m v1.ProfileMeasure) string {
	switch m {
	case v1.ProfileMeasure_PROFILE_MEASURE_PATIENTS_A_DAY:
		return "Different patients a day"
	case v1.ProfileMeasure_PROFILE_MEASURE_ACCESSES_A_DAY:
		return "Accesses a day"
	case v1.ProfileMeasure_PROFILE_MEASURE_UNUSUAL_HOURS:
		return "Outside the usual hours of the peers"
	case v1.ProfileMeasure_PROFILE_MEASURE_UNEXPLAINED:
		return "No reason found, of those judged"
	case v1.ProfileMeasure_PROFILE_MEASURE_SEARCHES_AND_LISTS:
		return "Searches and lists"
	case v1.ProfileMeasure_PROFILE_MEASURE_OTHER_ACTIONS:
		return "Other than read: printed, exported, changed"
	case v1.ProfileMeasure_PROFILE_MEASURE_SENSITIVE:
		return "Sensitive parts"
	case v1.ProfileMeasure_PROFILE_MEASURE_BREAK_GLASS:
		return "By break-glass"
	}
	return Enum(m.String(), "PROFILE_MEASURE_")
}

// Measured writes the value of a measure: a mean, a share in percent, or a number. "not known" when it is nil.
func Measured(m v1.ProfileMeasure, value *float64) string {
	if value == nil {
		return "not known"
	}
	switch m {
	case v1.ProfileMeasure_PROFILE_MEASURE_PATIENTS_A_DAY, v1.ProfileMeasure_PROFILE_MEASURE_ACCESSES_A_DAY:
		return strconv.FormatFloat(*value, 'f', 1, 64)
	case v1.ProfileMeasure_PROFILE_MEASURE_BREAK_GLASS:
		return strconv.FormatFloat(*value, 'f', -1, 64)
	}
	return strconv.FormatFloat(100**value, 'f', 1, 64) + " %"
}

// Rank says where among the peers a figure stands; nothing when it is not told.
func Rank(f *v1.ProfileFigure) string {
	if f.GetPeers() == 0 || f.Rank == nil {
		return ""
	}
	return "above " + strconv.FormatUint(uint64(f.GetRank()), 10) + " % of " + strconv.FormatUint(uint64(f.GetPeers()), 10)
}
