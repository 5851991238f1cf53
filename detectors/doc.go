// Package detectors is what reacts to the journal: it explains every access, flags the unusual ones, collapses what belongs
// together and ranks what a human should see.
//
// # The day book
//
// An access is written into the book of its local day, in the site's zone. When the day is over and its period of grace has
// passed, by the journal's clock and never by the wall's, the day is closed: each reader's day, each pair of reader and record,
// and each record's day becomes a unit, every explanation is tried and every detector grades it. So a fact that comes late (a
// note charted the next morning) explains an access before anybody is bothered, and live, backtest and evaluation are one code
// path. Hard signals do not wait.
//
// # Units, grades, scenarios
//
// A detector says one grade of a unit: 0 nothing, 1 and more a stretch of its scale, or that it cannot tell because context
// is missing. Grades combine as evidence does: how much more likely is this grade in a scenario of misuse (configured, with
// sources) than in everyday work (counted in this very hospital, among peers)? Where a rule fires all the time it weighs nothing,
// whatever the textbook says. The sum is the logarithm of the odds, in 1/256 bits, as an integer: scores are equal on every
// processor.
//
// # What a verdict knows
//
// Context is folded in the order of positions (package facts), and so is what is learned (which departments work together, how
// common each grade is): a verdict follows from the journal up to the position that caused it, and from the rule set that it names.
package detectors
