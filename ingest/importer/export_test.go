package importer

// BarLine is for tests.
var BarLine = barLine
