// Package curve draws a loss curve: how many updates each resolver loses while one thing
// changes.
//
//	[Curve] (values × resolvers: least, mean, most) ─▶ Table, CSV, JSON, Page
//
// Whoever has counted fills one in: package sweep by playing a scenario over and over, and
// kv whatif and kvd replay by judging a recorded history with other clocks.
//
// Invariants: table, CSV, JSON and page render the same points; equal curves give equal
// bytes. The page is one file without script, and asks nobody for anything.
//
// What the package is not: it counts and judges nothing, and knows no scenarios.
package curve
