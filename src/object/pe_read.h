#pragma once
// PE, the files of Windows. spec: Microsoft "PE Format".

#include "object/source.h"

namespace axle::object {

// Fills `facts` as far as the file is sound, then throws Damage where it is not. False when the file is a DOS
// program or anything else that begins with "MZ".
bool read_pe(Source& source, ObjectFacts& facts);

}  // namespace axle::object
