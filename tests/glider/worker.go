// Blocks in a system call below a few functions, for glider to look at.
package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

type point struct {
	x, y int32
}

type job struct {
	name   string
	id     uint64
	weight float64
	done   bool
	at     point
	next   *job
}

//go:noinline
func block(level int8, letter rune, small float32) int {
	fmt.Println("ready", os.Getpid())
	syscall.Pause()
	return int(level) + int(letter) + int(small)
}

//go:noinline
func work(current *job, ids []uint16, table [3]int64, factor complex128) int {
	total := uint32(len(ids)) + 4000000000
	negative := -int64(total)
	result := block(-3, 'g', 0.5)
	runtime.KeepAlive(current)
	runtime.KeepAlive(table)
	return result + int(total) + int(negative) + int(real(factor))
}

func main() {
	second := job{name: "second", id: 1 << 40}
	first := job{"first", 7, 2.25, true, point{3, -4}, &second}
	fmt.Println(work(&first, []uint16{1, 2, 65535}, [3]int64{-1, 0, 1}, complex(1.5, -2)))
}

// The first thread runs main.
func init() { runtime.LockOSThread() }
