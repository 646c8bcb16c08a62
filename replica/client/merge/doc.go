// Package merge makes one answer about lost writes of those that several leaders gave,
// and says where leaders that have applied the same do not agree. After quiet they do.
//
// What it is not: it asks nobody; package answers does. Leaders that have not applied
// the same do not disagree, nor does one that lacks a row and has evicted some.
package merge
