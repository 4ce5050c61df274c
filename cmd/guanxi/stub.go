package main

import "context"

func serve(context.Context, *cli) (any, error)      { return nil, nil }
func doctor(context.Context, *cli) (any, error)     { return nil, nil }
func simulate(context.Context, *cli) (any, error)   { return nil, nil }
func bench(context.Context, *cli) (any, error)      { return nil, nil }
func setupToken(context.Context, *cli) (any, error) { return nil, nil }
