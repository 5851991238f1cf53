// Package acceptance holds the tests that drive the built binary the way the world does: requests, signals, kills.
package acceptance
