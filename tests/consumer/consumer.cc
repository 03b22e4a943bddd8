// A program outside the repository, built against an installed axle::axle only.
#include <axle/base/digest.h>
#include <axle/base/error.h>
#include <axle/base/rel_path.h>

#include <iostream>

int main() {
  try {
    axle::RelPath::parse("../outside");
  } catch (const axle::Error&) {
    std::cout << axle::RelPath::parse("pkg/__init__.py").str() << '\n';
    return 0;
  }
  return 1;
}
