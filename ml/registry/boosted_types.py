"""What a file of boosted trees may hold beyond what skops allows itself, by what they tell."""

_TREES = (
    "sklearn._loss.link.Interval",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)

OF_TWO_CLASSES = (*_TREES, "sklearn._loss.link.LogitLink", "sklearn._loss.loss.HalfBinomialLoss")
OF_MANY_CLASSES = (*_TREES, "sklearn._loss.link.MultinomialLogit", "sklearn._loss.loss.HalfMultinomialLoss")
OF_A_QUANTILE = (*_TREES, "sklearn._loss.link.IdentityLink", "sklearn._loss.loss.PinballLoss")
