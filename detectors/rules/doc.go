// Package rules reads custom detectors from a YAML file: which accesses count is an expression in CEL (Common Expression
// Language), what their number means are grades. README.md documents every key and every field.
//
// An expression is checked when the file is read: a field that does not exist, a comparison of things of different kinds, a word that the field never
// has, a cost that could stall the engine are faults with line and column. What it does is the same at each replay: there is no
// clock and no chance in the language, and nothing outside the access and what is known around it.
package rules
