package money

import (
	"cmp"
	"math/bits"
	"slices"
)

// Split shares total by weight (按最大余数分摊): the shares add up to total exactly and each is within one
// of its exact part. What the rounding leaves goes one by one to the largest remainders, the earlier
// index first among equals. A weight of zero or less gets nothing; when all are such, the first gets
// everything. A negative total mirrors the positive one. No weights, no shares.
//
// Weights that together exceed 64 bits are halved until they fit, far beyond any real amount.
func Split(total int64, weights []int64) []int64 {
	shares := make([]int64, len(weights))
	if len(weights) == 0 {
		return shares
	}
	parts, sum := usable(weights)
	if sum == 0 {
		shares[0] = total
		return shares
	}
	for i, mag := range apportion(magnitude(total), parts, sum) {
		if total < 0 {
			mag = -mag
		}
		shares[i] = int64(mag)
	}
	return shares
}

// usable clears negative weights and makes the sum fit.
func usable(weights []int64) (parts []uint64, sum uint64) {
	parts = make([]uint64, len(weights))
	for i, w := range weights {
		parts[i] = uint64(max(w, 0))
	}
	for {
		sum, carry := uint64(0), uint64(0)
		for _, p := range parts {
			var over uint64
			sum, over = bits.Add64(sum, p, 0)
			carry |= over
		}
		if carry == 0 {
			return parts, sum
		}
		for i := range parts {
			parts[i] /= 2
		}
	}
}

// apportion never reaches a zero remainder: fewer units are left over than there are remainders above zero.
func apportion(total uint64, parts []uint64, sum uint64) []uint64 {
	shares, rems := make([]uint64, len(parts)), make([]uint64, len(parts))
	order := make([]int, len(parts))
	left := total
	for i, p := range parts {
		hi, lo := bits.Mul64(total, p)
		shares[i], rems[i] = bits.Div64(hi, lo, sum)
		left -= shares[i]
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rems[b], rems[a]) })
	for _, i := range order[:left] {
		shares[i]++
	}
	return shares
}

// Prorate is the share of grant that belongs to part of whole, such as the points to take back when part
// of an order has been refunded. Asked with growing parts, the differences add up to grant exactly.
// A part of zero or less has no share; a part that reaches whole has all of it.
func Prorate(grant, part, whole int64) int64 {
	if part >= whole {
		return grant
	}
	if part <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(magnitude(grant), uint64(part))
	mag, _ := bits.Div64(hi, lo, uint64(whole))
	if grant < 0 {
		mag = -mag
	}
	return int64(mag)
}
