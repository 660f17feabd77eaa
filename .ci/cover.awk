# Prints the coverage of each package in a Go coverage profile, and fails if the total
# is below `least` percent. The profile has each block once for each test binary.
!/^mode:/ {
	statements[$1] = $2
	if ($3 > 0) covered[$1] = 1
}
END {
	for (block in statements) {
		pkg = block
		sub(/\/[^\/]*$/, "", pkg)
		all[pkg] += statements[block]; sum += statements[block]
		if (block in covered) { hit[pkg] += statements[block]; sumHit += statements[block] }
	}
	for (pkg in all) printf "%6.1f %%  %s\n", 100 * hit[pkg] / all[pkg], pkg | "sort -k3"
	close("sort -k3")
	if (!sum) { print "make cover: the profile is empty"; exit 1 }
	total = 100 * sumHit / sum
	printf "%6.1f %%  of %d statements\n", total, sum
	if (total < least) { printf "make cover: want at least %s %%\n", least; exit 1 }
}
