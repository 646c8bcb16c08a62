// Package source asks whoever knows how right a machine's calendar clock is, and keeps an
// interval that true time lies in.
//
//	kernel      adjtimex(2): what the daemon that disciplines the clock told the kernel
//	ntp         servers asked by ourselves (RFC 5905): a majority must agree
//	chrony      the tracking report of chronyd, over its command port
//	clockbound  the page that AWS's ClockBound writes, layouts 1 and 2
//	claim       what the operator says; nobody measures it
//
// A [Source] answers with a [wallclock.Bound], or says why it cannot. [Keeper] asks them in
// turn and keeps the best: a [wallclock.Estimate], which the stopwatch carries on between
// two answers. So a step of the calendar clock changes no reading before the source has
// said what it makes of it; what is known grows old, and never narrower by itself.
//
// # What is believed of each
//
// The kernel's maxerror grows by 500 µs each second that nobody corrects the clock, up to
// 16 s, where the kernel calls the clock unsynchronised. systemd-timesyncd writes zero with
// each correction, so that the bound starts as a lie: the claim is added to it. chronyd
// without rtcsync leaves the clock marked as unsynchronised though it is right: ask chronyd.
//
// An NTP server's answer is right within half the round trip, half its root delay and its
// root dispersion, whatever way the packets took (RFC 5905, section 11.2.3; DDIA chapter 8,
// "Clock readings have a confidence interval"). The offset is reckoned with the stopwatch,
// so that a step of the clock while a packet is under way does not get into it. Servers
// that lie outside of what most of them say are falsetickers, and named.
//
// chronyd's clock is wrong by at most its correction, its root dispersion, and half its
// root delay (chronyc(1), "tracking").
//
// A ClockBound page of the third layout counts in ticks of the processor, which this
// package does not read: its error names the page of the second layout, which lies beside.
//
// No source sees that a virtual machine stood still, stopwatch included: its peers do.
package source
