// Package number is the numbers that counters add up: [Int128], in which sums of what
// several leaders accepted apart never wrap, and the reading of values as integers. It
// holds values only and allocates nothing.
package number
