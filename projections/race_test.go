//go:build race

package projections_test

// killRounds is how often each commit point is hit. The race detector makes a round several times as long.
const killRounds = 1
