"""Any coefficient between the solved ones: the reduced basis of a family."""
