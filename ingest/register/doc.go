// Package register knows who may send and who may ask: the sources, with their credentials, and the API tokens. Both
// are folds of journal entries; a command is done when its entry is journaled and the register shows it.
package register
