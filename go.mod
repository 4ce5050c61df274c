module guanxi

go 1.26.0
