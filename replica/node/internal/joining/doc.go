// Package joining holds clients off from a leader that begins without data.
//
// Such a leader does not know what its cluster holds: INCR of a counter at 100 would
// answer 1, and SET NX of a key that is there would replace it everywhere. So it
// serves nobody before it has what the others had as each first spoke to it; what they
// accept later is concurrent to it, as always. What is asked of them is what they say
// of their own accord: their first status.
//
//   - Who was told of others (--join, known members) waits until it has heard one, and
//     all that it can reach. There is no time after which it serves from nothing:
//     whoever wants that says --serve-while-joining.
//   - Two that both hold nothing hear so from each other, and serve.
//   - Who was told of nobody is the first leader of a cluster and serves at once.
//     Should somebody turn up who has more, it was not the first, and waits too.
//   - A leader with data serves at once, unless it was ended amid all this: a file
//     beside the data says so.
//
// What it is not: it fetches nothing. Ops come as they always do.
package joining
