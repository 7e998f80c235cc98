package main

import (
	"fmt"
	"math"
	"time"

	"premiumhls/internal/cost"
)

const perMillion = cost.LambdaRequest * 1e6

// fullCore is the memory in MB at which a function has one processor; the share
// is proportional to the memory (Lambda developer guide, "Configure Lambda
// function memory").
const fullCore = 1769

var memorySizes = []int{128, 256, 512, 1024, fullCore}

// coldShare is the assumed share of sign-ins with a cold start.
const coldShare = 0.01

// billed is the time that Lambda bills, in whole milliseconds, for work that
// takes d on one processor.
func billed(d time.Duration, memoryMB int) time.Duration {
	scaled := float64(d) * fullCore / float64(memoryMB)
	ms := math.Ceil(scaled / float64(time.Millisecond))
	return time.Duration(max(ms, 1)) * time.Millisecond
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// usd is the price of a million invocations with this billed time.
func usd(billed time.Duration, memoryMB int) float64 {
	return 1e6 * billed.Seconds() * float64(memoryMB) / 1024 * cost.LambdaGBSecond
}

// cost estimates the price of a million sign-ins.
func (b *bench) cost() Table {
	cached := time.Duration(b.median("request/cached"))
	signed := time.Duration(b.median("request/" + oursECDSA))
	cold := time.Duration(b.median("cold/" + oursECDSA))
	t := Table{Columns: []string{"memory", "share of a processor", "billed, cached signature", "billed, new signature", "billed, cold start", "USD, all cached", "USD, all new, 1 in 100 cold"}}
	if len(b.samples["request/cached"]) == 0 || len(b.samples["cold/"+oursECDSA]) == 0 {
		return t
	}
	for _, mb := range memorySizes {
		k, f, c := billed(cached, mb), billed(signed, mb), billed(cold, mb)
		t.Rows = append(t.Rows, []string{
			fmt.Sprintf("%d MB", mb), percent(float64(mb) / fullCore),
			milliseconds(k), milliseconds(f), milliseconds(c),
			fmt.Sprintf("%.2f", perMillion+usd(k, mb)),
			fmt.Sprintf("%.2f", perMillion+(1-coldShare)*usd(f, mb)+coldShare*usd(c, mb)),
		})
	}
	const example = 256
	f, c := billed(signed, example), billed(cold, example)
	t.Notes = []string{fmt.Sprintf("An estimate: the times measured on one processor (%s, %s, %s; see [performance](performance.md)), times %d MB / memory, because Lambda gives a function a share of a processor in proportion to its memory, rounded up to whole milliseconds. At %d MB, all new: %.2f + 990,000 × %.3f s × %.2f GB × %.10f + 10,000 × %.3f s × %.2f GB × %.10f = %.2f. Lambda's own part of a cold start and the network to AWS come on top: both are waiting, which is billed too.",
		duration(float64(cached)), duration(float64(signed)), duration(float64(cold)), fullCore,
		example, perMillion, f.Seconds(), example/1024., cost.LambdaGBSecond, c.Seconds(), example/1024., cost.LambdaGBSecond,
		perMillion+(1-coldShare)*usd(f, example)+coldShare*usd(c, example))}
	return t
}
