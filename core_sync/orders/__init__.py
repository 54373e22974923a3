"""What sources have told of orders: cancelled, shipped without the stock that was reserved for them."""
