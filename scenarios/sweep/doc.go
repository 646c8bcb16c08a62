// Package sweep plays one scenario over and over while one thing about it changes, and
// draws what each resolver loses then: a loss curve.
//
//	script × values × resolvers × seeds ─▶ scenarios.Run ─▶ curve.Curve ─▶ Table, CSV, JSON, Page
//
// Axes:
//
//	skew   every leader's clock is off by an offset drawn from ± the value, in place of the
//	       script's own; a seed draws the same directions for every value, so that the curve
//	       shows the skew and not the luck
//	delay  every link takes the value one way, whether the script names it or not
//	cut    every partition and cut is healed the value after it began
//	rate   what the script repeats happens the value times a second
//
// Invariants: the same script, axis, values and seeds give the same curve, byte for byte.
// How a curve is drawn is package curve's.
//
// What the package is not: it judges nothing; the losses are those of scenarios.Run.
package sweep
