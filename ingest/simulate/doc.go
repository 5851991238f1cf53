// Package simulate is a synthetic hospital: people and where they live, departments and their rosters, episodes of care,
// and the accesses to records that care produces, with a little of what it should not produce. It is seeded: the same
// Config gives the same bytes on every processor, and any day can be made without the days before it.
//
// Nothing in it is real. Names are drawn from short lists, places do not exist, telephone numbers are unassigned.
package simulate
