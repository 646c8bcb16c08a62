// Package wallclock is what a machine believes the time is.
//
// [Instant] (what the calendar clock shows) and [Mono] (what the stopwatch
// shows) are distinct types, so that a timer can never be fed a clock that
// steps. A reading of the calendar clock is an [Interval]: the true time lies
// somewhere within, if the machine's claim about its own error is true. DDIA
// chapter 8, "Clock readings have a confidence interval"; the shape follows
// Spanner's TrueTime (Corbett et al. 2012).
//
// Only system.go reads a real clock. [Skewed] is a clock with faults, fed by
// true time as an argument: offset, drift, steps, strobing, freezing, and the
// error it claims, which may be a lie. [Remote] is what messages tell of another
// machine's clock.
package wallclock
