// Package cases says what a case is, by its steps in the journal (readtrail.v1.CaseEntry): who has it, which alerts it is of, what was
// asked and found, and which notices it owes until when. The commands and the answers fold the same steps with it, so that they cannot
// disagree.
package cases
