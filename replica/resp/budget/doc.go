// Package budget bounds the memory that all clients' requests in progress, and the replies
// they have not taken, use together: input buffers and the copies made of them, values that
// wait to be sent, transactions that are being queued, spare buffers.
//
//	connection ─▶ Account.Reserve ─▶ there is enough ─▶ taken
//	                     └─▶ queue, in the order of asking ◀─ Release of another
//	                                └─▶ whoever holds much and waits for its client is cut
//
// What every connection has is only counted (Charge). What one needs beyond that it asks
// for, and waits until others have given back: meanwhile its client is not read from.
// Whoever holds much and waits for its own client is then cut, the largest first, so that a
// client that does not take its replies, or never ends its command, costs those that do a
// second.
//
// Invariants: three quarters of the limit can be asked for; the last quarter is for what
// every connection has, so nobody is turned away because others hold large things. A
// connection that is cut gives back all that it held.
package budget
