#pragma once
#include <cstdint>

#include "kernels/mat.h"

namespace apr::kernels {

/// The packed form of a quantised matrix: panels of 16 rows, one row to a lane, so that a product reads memory in one
/// straight line and finds each 32-bit word of a block for all rows at once. Nothing is decoded: a panel holds the bits
/// of its rows in another order.
///
/// shape   a panel: word j of block b (quant/block.h: layout) of row r is 32-bit word 16 (j + words b) + r; then, for
///         types with a half outside their words, [blocks][16] of these; then up to the next cache line, nothing. Rows
///         past the matrix's last repeat it
/// units   bytes
/// needs   a quantised type; n_in a multiple of its block
/// errors  none
/// threads pure
uint64_t packed_panel_bytes(quant::Type type, int n_in);

/// The view of `stored` after packing it to `to` (Ops::pack), which has room for its bytes().
Weight packed_view(const Weight& stored, const std::byte* to);

}  // namespace apr::kernels
